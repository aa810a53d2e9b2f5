-- Adds an account: id, name, country, zone, currency, tax regime.
INSERT INTO crm.accounts (id, name, country, display_tz, legal_tz, default_currency, tax_regime, legal_name)
VALUES (:account, :name, :country, :zone, :zone, :currency, :tax_regime, :name)
