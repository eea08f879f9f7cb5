"""The steps that turn documents into masked rows. Each step does one job, and `data_prep/pipeline.py` orders them."""
