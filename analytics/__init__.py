"""What the numbers say: frames and statistics; numpy and pandas, no Django."""
