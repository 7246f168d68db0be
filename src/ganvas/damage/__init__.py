"""What time, cameras and codecs do to photographs, drawn for every sample on the device."""
