"""The colours of all pictures: Okabe and Ito's, which colour-blind readers can tell apart, and greys."""

BLUE, VERMILLION = "#0072B2", "#D55E00"
INK, GREY, PALE = "#1b1e23", "#69707a", "#dcdfe4"
