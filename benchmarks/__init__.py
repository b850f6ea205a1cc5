"""Speed and memory, side by side with Keras as its documentation shows it."""
