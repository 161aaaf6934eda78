"""Ratings and corrections: counted, reviewed, made into rows to train on."""
