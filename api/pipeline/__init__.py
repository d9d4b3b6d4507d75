"""From an item's bytes to its finding; the command line, the server and the scan share these steps.

======================  ========================================================  ==========================
Type                    Meaning                                                   Made by
======================  ========================================================  ==========================
`SourceItem`            one place in a source that holds a recording              a reader (`api.datasets`)
`ItemBytes`             its bytes, read once, with their sha256                   `item_bytes.read_item`
`DecodedItem`           its query (log spectrogram and codes), or why there is    `search_item.ItemDecoder`
                        none
`ItemResult`            its finding and what is to be stored of it                `item_processor`
`Finding`               the answer about the item: a verdict and its matches      `search_item.search_item`
======================  ========================================================  ==========================

A `RunSpec` (`run_spec`) describes what is done with every item of a run. It and `ItemResult` travel between
processes. `searched_collections` finds the collections that a command or a request names.
"""
