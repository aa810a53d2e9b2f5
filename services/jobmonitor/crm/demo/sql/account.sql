-- Adds an account: id, name, country, zone, currency, tax regime.
INSERT INTO crm.accounts (id, name, country, display_tz, legal_tz, default_currency, tax_regime, legal_name)
VALUES ($1, $2, $3, $4, $4, $5, $6, $2)
