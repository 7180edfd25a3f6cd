"""Threshold alerts and routes: who is woken by what, and when an alert fires and clears."""
