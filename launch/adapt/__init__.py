"""`electra adapt`: commands of this package in a row, from a released model to a page with the results."""
