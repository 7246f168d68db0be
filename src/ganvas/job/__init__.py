"""One file a verb: a request goes in, events come out, nothing is printed."""
