"""The phase itself: its model, rules, budget, permissions and wording."""
