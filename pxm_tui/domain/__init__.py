"""What a cluster, a certificate, a token, a step and an entry of the audit are, and the wording of every error.

No I/O, no framework. The errors are worded in `messages` and its neighbours by area, such as `login_messages`.
"""
