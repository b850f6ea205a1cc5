"""What a tab calls: one module per capability, plain Python in, a frozen dataclass out.

Imports no Gradio, and Keras only inside functions: the page answers before TensorFlow is imported.
"""
