"""The sandboxed process that decodes untrusted bytes."""
