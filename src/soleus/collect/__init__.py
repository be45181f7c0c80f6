"""Collectors: each turns a policy into Batches. One machine, many processes or machines differ only here."""
