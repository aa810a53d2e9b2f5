-- Let row-level security know who looks, until the transaction ends; {more} are further settings.
SELECT set_config('app.account_id', :account_id, true), set_config('app.user_id', :user_id, true),
       set_config('app.user_type', :user_type, true){more}
