"""What the recipe of Stable Diffusion is made of."""
