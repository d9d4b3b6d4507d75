"""The commands of watched works and their notices."""
