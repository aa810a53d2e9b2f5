-- What is there to say of these gifts? Campaign Data of money: 1 its id, 2 the gateway's id (of a refund: that of the gift
-- refunded), 3 the gateway's message (not kept: empty), 4 amount, 5 currency, 6 payment type, 7 gateway, 8 frequency and
-- 9 number of the plan, 10 gift date, 11 appeal code, 12 tracking id, 13 tax deductible, 14 advantage, 15 what it was,
-- 16 the gift refunded, 17 how. Positions 1 to 5 are the vendor's, the others our own.
SELECT gifts.id, gifts.supporter_id, gifts.type, gifts.status, gifts.occurred_at,
       coalesce(gifts.campaign_id, 0) AS campaign_number, coalesce(campaigns.reference_name, '') AS campaign_name,
       ARRAY[
           gifts.id::text,
           CASE WHEN gifts.refund_of IS NULL THEN gifts.gateway_txn_id ELSE refunded.gateway_txn_id END,
           NULL,
           round(gifts.amount, currencies.exponent)::text,
           gifts.currency::text,
           gifts.payment_type,
           gifts.gateway,
           plans.frequency,
           gifts.plan_id::text,
           gifts.gift_date::text,
           gifts.appeal_code,
           gifts.tracking_id,
           CASE WHEN gifts.tax_deductible THEN 'Y' ELSE 'N' END,
           CASE WHEN gifts.advantage_amount > 0 THEN round(gifts.advantage_amount, currencies.exponent)::text END,
           gifts.advantage_note,
           gifts.refund_of::text,
           gifts.refund_kind
       ] AS data,
       gifts.external_refs, gifts.source
FROM crm.transactions AS gifts
JOIN crm.currencies ON currencies.code = gifts.currency
LEFT JOIN crm.campaigns ON campaigns.id = gifts.campaign_id
LEFT JOIN crm.recurring_plans AS plans ON plans.id = gifts.plan_id
LEFT JOIN crm.transactions AS refunded ON refunded.id = gifts.refund_of
WHERE gifts.id = ANY(:ids::bigint[]) AND gifts.supporter_id IS NOT NULL AND gifts.removed_at IS NULL
