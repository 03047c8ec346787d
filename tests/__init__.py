"""The tests: what the product promises, said in its own words."""
