"""The nodes of the graph, one file each: a function from the state to what it adds to the state."""
