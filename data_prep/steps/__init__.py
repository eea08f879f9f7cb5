"""The steps that make masked rows of documents, one job each; `data_prep/pipeline.py` puts them in order."""
