"""`electra sweep`: named recipes by seeds become runs, which one page compares."""
