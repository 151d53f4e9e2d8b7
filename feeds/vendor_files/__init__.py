"""Files as vendors write them: their form is recognised, and every doubt is told or refused."""
