"""Sources of recordings: folders, archives, tables, manifests, link lists; decodes nothing."""
