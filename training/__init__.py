"""The recipes that made the bundled models, one module per model, and the picture-book world."""
