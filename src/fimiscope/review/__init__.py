"""The annotators' loop: which texts people should label next, a page to label them, and joining what they said."""
