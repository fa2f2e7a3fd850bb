"""What the log says about the complexes that file into it: gaps, forks, broken chains, lying meters, FM-1s due. Pure.

Entries become facts (`reading`), facts change a working set (`engine`), every change of a ticket or an obligation is
kept to be told. No clock and no database: the working set is loaded and kept by `gateway.journal.oversight`, time is
an argument.
"""
