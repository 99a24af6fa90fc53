"""The REST API: a face over the same services as the others. No rule about clusters lives here."""
