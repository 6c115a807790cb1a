//! Records, keys and codecs over the store seam; the log.
