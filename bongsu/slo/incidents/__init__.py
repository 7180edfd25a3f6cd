"""Labelled incidents: months of traffic with faults whose right answer is known, for `bongsu backtest`."""
