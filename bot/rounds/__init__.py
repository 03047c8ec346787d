"""One asking of the three questions: who is asked, what they answer, what is left of it."""
