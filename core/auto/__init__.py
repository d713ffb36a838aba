"""The `auto` verdict on drift: whether a window of a model is unlike its reference windows, and in what.

For every column a few fixed questions are asked. If nothing changed, each answer differs from the reference
for two reasons only: chance, known from the number of rows, and this model's usual wobble from window to
window, learned from its reference windows and shared across its columns. A p-value says how rare an answer is
given both.
"""
