"""Networks and other local filters, applied to photographs of any size."""
