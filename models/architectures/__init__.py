"""The Keras code of the bundled models that keras-hub has no class for; imported when one loads."""
