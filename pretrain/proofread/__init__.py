"""A model as a proofreader of people's own text: the suspicion of every token, and proposals for a word."""
