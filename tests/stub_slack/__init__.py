"""The Slack of the load and fault harnesses: it keeps what is posted and checks nothing.

Every other test uses the fake Slack of the playground, whose checks would be most of the load here.
"""
