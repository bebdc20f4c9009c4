"""A question and a generation to an answer in which every sentence is cited. Imports index."""
