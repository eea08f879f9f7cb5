"""`electra export`: the weights of a model in the formats that other software loads."""
