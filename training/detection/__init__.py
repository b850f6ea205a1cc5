"""What the detector's recipe is made of; the captioner trains with parts of it."""
