-- One query per trigger of the rule book, as an analyst would write it for DuckDB. `$D` stands for the as-of date.
-- A block begins with `-- name: condition`: the block gives figures by account, the trigger fires where the condition
-- holds on them. Where a trigger is about a metric, feature, team or product, the block counts those that satisfy it.

-- prepare plan_on
SELECT ago, account_id, plan_id, coalesce(product, 'main') AS product, seats, renews_on
FROM subscriptions LEFT JOIN plans USING (plan_id), (VALUES (0), (7), (14)) weeks(ago)
WHERE starts_on <= $D - ago AND (ends_on IS NULL OR ends_on > $D - ago)
QUALIFY row_number() OVER (
    PARTITION BY ago, account_id
    ORDER BY coalesce(product, 'main') <> 'main',
        CASE status WHEN 'active' THEN 0 WHEN 'past_due' THEN 1 WHEN 'trialing' THEN 2 WHEN 'paused' THEN 3 WHEN 'canceled' THEN 4
            ELSE 9 END,
        coalesce(tier, 0) DESC, starts_on DESC, subscription_id
) = 1

-- prepare ceiling_on
SELECT ago, account_id, metric, nullif(ceiling, 0) AS ceiling
FROM (
    SELECT ago, plan_on.account_id, metric, ceiling, from_on, to_on, 0 AS own
    FROM plan_on JOIN ceilings ON ceilings.plan_id = plan_on.plan_id
    UNION ALL
    SELECT ago, account_id, metric, ceiling, from_on, to_on, 1
    FROM ceilings, (VALUES (0), (7), (14)) weeks(ago) WHERE account_id IS NOT NULL
)
WHERE (from_on IS NULL OR from_on <= $D - ago) AND (to_on IS NULL OR to_on > $D - ago)
QUALIFY row_number() OVER (
    PARTITION BY ago, account_id, metric ORDER BY own DESC, coalesce(from_on, DATE '0001-01-01') DESC, ceiling
) = 1

-- prepare higher
SELECT DISTINCT mine.plan_id, feature
FROM plans mine JOIN plans above ON above.product = mine.product AND above.tier > mine.tier AND above.sold
JOIN plan_features ON plan_features.plan_id = above.plan_id
WHERE NOT EXISTS (FROM plan_features own WHERE own.plan_id = mine.plan_id AND own.feature = plan_features.feature)

-- prepare core
SELECT metric, kind, CASE per WHEN 'day' THEN 1 WHEN 'week' THEN 7 ELSE 30 END AS period, core FROM metrics

-- plan_limit_pressure: pressed_metrics >= 1
WITH readings AS (
    SELECT account_id, metric,
        CASE kind WHEN 'gauge' THEN arg_max(value, day) FILTER (day > $D - 7)
            ELSE sum(value) FILTER (day > $D - period) END AS now,
        CASE kind WHEN 'gauge' THEN arg_max(value, day) FILTER (day > $D - 14 AND day <= $D - 7)
            ELSE sum(value) FILTER (day > $D - period - 7 AND day <= $D - 7) END AS week_1,
        CASE kind WHEN 'gauge' THEN arg_max(value, day) FILTER (day > $D - 21 AND day <= $D - 14)
            ELSE sum(value) FILTER (day > $D - period - 14 AND day <= $D - 14) END AS week_2
    FROM measures JOIN core USING (metric)
    WHERE core AND day <= $D AND day > $D - 44
    GROUP BY account_id, metric, kind
)
SELECT r.account_id, count(*) AS pressed_metrics, max(round(now / c0.ceiling, 9)) AS pressed_share
FROM readings r
JOIN ceiling_on c0 ON c0.ago = 0 AND c0.account_id = r.account_id AND c0.metric = r.metric
JOIN ceiling_on c1 ON c1.ago = 7 AND c1.account_id = r.account_id AND c1.metric = r.metric
JOIN ceiling_on c2 ON c2.ago = 14 AND c2.account_id = r.account_id AND c2.metric = r.metric
WHERE round(now / c0.ceiling, 9) >= 0.8 AND round(week_1 / c1.ceiling, 9) >= 0.8 AND round(week_2 / c2.ceiling, 9) >= 0.8
GROUP BY r.account_id

-- near_ceiling: near_metrics >= 1
WITH readings AS (
    SELECT account_id, metric,
        CASE kind WHEN 'gauge' THEN arg_max(value, day) FILTER (day > $D - 7)
            ELSE sum(value) FILTER (day > $D - period) END AS now,
        CASE kind WHEN 'gauge' THEN arg_max(value, day) FILTER (day > $D - 14 AND day <= $D - 7)
            ELSE sum(value) FILTER (day > $D - period - 7 AND day <= $D - 7) END AS week_1
    FROM measures JOIN core USING (metric)
    WHERE day <= $D AND day > $D - 37
    GROUP BY account_id, metric, kind
), seats AS (
    SELECT account_id, count(*) FILTER (there_now) AS now, count(*) FILTER (there_week_1) AS week_1
    FROM (
        SELECT account_id, user_id, bool_or(left_on IS NULL OR left_on > $D) AS there_now,
            bool_or(joined_on <= $D - 7 AND (left_on IS NULL OR left_on > $D - 7)) AS there_week_1
        FROM members WHERE role = 'member' AND joined_on <= $D
        GROUP BY account_id, user_id
    )
    GROUP BY account_id
), shares AS (
    SELECT r.account_id, now / c0.ceiling AS now, week_1 / c1.ceiling AS week_1
    FROM readings r
    JOIN ceiling_on c0 ON c0.ago = 0 AND c0.account_id = r.account_id AND c0.metric = r.metric
    JOIN ceiling_on c1 ON c1.ago = 7 AND c1.account_id = r.account_id AND c1.metric = r.metric
    UNION ALL
    SELECT s.account_id, now / nullif(p0.seats, 0), week_1 / nullif(p1.seats, 0)
    FROM seats s
    JOIN plan_on p0 ON p0.ago = 0 AND p0.account_id = s.account_id
    JOIN plan_on p1 ON p1.ago = 7 AND p1.account_id = s.account_id
)
SELECT account_id, count(*) AS near_metrics, max(round(now, 9)) AS near_share
FROM shares WHERE round(now, 9) > 0.9 AND round(week_1, 9) >= 0.8
GROUP BY account_id

-- limit_hits: hits >= 3 and hit_days >= 2
SELECT account_id, count(*) AS hits, count(DISTINCT "at"::DATE) AS hit_days
FROM events WHERE kind = 'limit_hit' AND "at"::DATE <= $D AND "at"::DATE > $D - 14
GROUP BY account_id

-- feature_utilisation: feature_share > 0.9 and features_included >= 4
WITH used AS (
    SELECT DISTINCT account_id, feature FROM events
    WHERE kind = 'used' AND "at"::DATE <= $D AND "at"::DATE > $D - 30
)
SELECT u.account_id, round(count(*) / any_value(included), 9) AS feature_share, any_value(included) AS features_included
FROM used u
JOIN plan_on p ON p.ago = 0 AND p.account_id = u.account_id
JOIN plan_features f ON f.plan_id = p.plan_id AND f.feature = u.feature
JOIN (SELECT plan_id, count(DISTINCT feature) AS included FROM plan_features GROUP BY plan_id) i ON i.plan_id = p.plan_id
GROUP BY u.account_id

-- usage_doubled_since_start: doubled_metrics >= 1
WITH levels AS (
    SELECT account_id, metric, min(day - created_on) AS first_row,
        CASE kind WHEN 'flow' THEN sum(value) FILTER (day > $D - 28) ELSE avg(value) FILTER (day > $D - 28) END AS now,
        CASE kind WHEN 'flow' THEN sum(value) FILTER (day > created_on AND day <= created_on + 28)
            ELSE avg(value) FILTER (day > created_on AND day <= created_on + 28) END AS start
    FROM measures JOIN core USING (metric) JOIN accounts USING (account_id)
    WHERE core AND day <= $D AND created_on <= $D - 90 AND (day > $D - 28 OR day <= created_on + 28)
    GROUP BY account_id, metric, kind
)
SELECT account_id, count(*) AS doubled_metrics, max(round(round(now, 9) / round(start, 9), 9)) AS growth
FROM levels
WHERE first_row <= 7 AND round(start, 9) >= 10 AND round(round(now, 9) / round(start, 9), 9) >= 2
GROUP BY account_id

-- wau_doubled: weekly_growth >= 2 and weekly_before >= 3 and first_use >= 28 and account_age >= 34
WITH days AS (
    SELECT account_id, user_id, $D - "at"::DATE AS age FROM events WHERE kind = 'used' AND "at"::DATE <= $D
), people AS (
    SELECT account_id, user_id, max(age) AS first_use, bool_or(age < 7) AS week_0, bool_or(age BETWEEN 7 AND 13) AS week_1,
        bool_or(age BETWEEN 14 AND 20) AS week_2, bool_or(age BETWEEN 21 AND 27) AS week_3,
        bool_or(age BETWEEN 28 AND 34) AS week_4
    FROM days GROUP BY account_id, user_id
), weekly AS (
    SELECT account_id, max(first_use) AS first_use, count(*) FILTER (week_0 AND user_id IS NOT NULL) AS now,
        sum(week_1::INT + week_2::INT + week_3::INT + week_4::INT) FILTER (user_id IS NOT NULL) / 4 AS before
    FROM people GROUP BY account_id
)
SELECT account_id, round(now / nullif(before, 0), 9) AS weekly_growth, before AS weekly_before, first_use,
    $D - created_on AS account_age
FROM weekly JOIN accounts USING (account_id)

-- headcount_growth: headcount_share >= 0.2 and headcount_readings >= 2
SELECT account_id,
    round((arg_max(value, day) - arg_min(value, day)) / nullif(arg_min(value, day), 0), 9) AS headcount_share,
    count(DISTINCT day) AS headcount_readings
FROM measures WHERE metric = 'headcount' AND day <= $D AND day > $D - 180
GROUP BY account_id

-- beyond_first_use: new_features >= 2
SELECT account_id, count(*) AS new_features
FROM (
    SELECT account_id, feature
    FROM events JOIN accounts USING (account_id)
    WHERE kind = 'used' AND feature IS NOT NULL AND "at"::DATE <= $D AND created_on <= $D - 90
    GROUP BY account_id, feature
    HAVING count(*) FILTER ("at"::DATE > $D - 30) >= 5
        AND count(*) FILTER ("at"::DATE >= created_on AND "at"::DATE < created_on + 30) = 0
)
GROUP BY account_id

-- seats_added: joined >= 2
SELECT account_id, count(DISTINCT user_id) AS joined
FROM members m
WHERE role = 'member' AND joined_on <= $D AND joined_on > $D - 14 AND (left_on IS NULL OR left_on > $D)
    AND NOT EXISTS (
        FROM members e
        WHERE e.account_id = m.account_id AND e.user_id = m.user_id AND e.role = 'member' AND e.joined_on < m.joined_on
            AND (e.left_on IS NULL OR e.left_on > m.joined_on - 30)
    )
GROUP BY account_id

-- seats_active: seats_share > 0.8 and seats_active_share > 0.8
SELECT m.account_id,
    round(count(DISTINCT m.user_id) / nullif(any_value(p.seats), 0), 9) AS seats_share,
    round(count(DISTINCT u.user_id) / count(DISTINCT m.user_id), 9) AS seats_active_share
FROM members m
JOIN plan_on p ON p.ago = 0 AND p.account_id = m.account_id
LEFT JOIN (
    SELECT DISTINCT account_id, user_id FROM events
    WHERE kind = 'used' AND "at"::DATE <= $D AND "at"::DATE > $D - 30
) u ON u.account_id = m.account_id AND u.user_id = m.user_id
WHERE role = 'member' AND joined_on <= $D AND (left_on IS NULL OR left_on > $D)
GROUP BY m.account_id

-- guests_accumulating: guests >= 3 and guests_new >= 2
SELECT account_id, count(DISTINCT user_id) AS guests, count(DISTINCT user_id) FILTER (joined_on > $D - 30) AS guests_new
FROM members WHERE role = 'guest' AND joined_on <= $D AND (left_on IS NULL OR left_on > $D)
GROUP BY account_id

-- invites: invitations >= 2 and inviters >= 1
WITH guests AS (
    SELECT account_id, user_id FROM members WHERE joined_on <= $D
    GROUP BY account_id, user_id HAVING bool_and(role = 'guest')
)
SELECT account_id, count(*) AS invitations, count(DISTINCT user_id) AS inviters
FROM events ANTI JOIN guests USING (account_id, user_id)
WHERE kind = 'invited' AND "at"::DATE <= $D AND "at"::DATE > $D - 30
GROUP BY account_id

-- new_team: new_teams >= 1 and teams >= 2 and team_account_age >= 60
WITH used AS (
    SELECT account_id, team, min("at"::DATE) AS first_use FROM events
    WHERE kind = 'used' AND team IS NOT NULL AND "at"::DATE <= $D
    GROUP BY account_id, team
), every_team AS (
    SELECT account_id, team FROM used
    UNION
    SELECT account_id, team FROM members
    WHERE team IS NOT NULL AND joined_on <= $D AND (left_on IS NULL OR left_on > $D)
)
SELECT account_id, new_teams, teams, $D - created_on AS team_account_age
FROM (SELECT account_id, count(*) AS new_teams FROM used WHERE first_use > $D - 30 GROUP BY account_id)
JOIN (SELECT account_id, count(*) AS teams FROM every_team GROUP BY account_id) USING (account_id)
JOIN accounts USING (account_id)

-- capability_request: asked_features >= 1
SELECT a.account_id, count(DISTINCT a.feature) AS asked_features
FROM asks a JOIN plan_on p ON p.ago = 0 AND p.account_id = a.account_id
JOIN higher h ON h.plan_id = p.plan_id AND h.feature = a.feature
WHERE ticket_class = 'capability_request' AND opened_on <= $D AND opened_on > $D - 30
GROUP BY a.account_id

-- paywall_attempts: blocked_features >= 1
SELECT account_id, count(*) AS blocked_features
FROM (
    SELECT e.account_id, e.feature
    FROM events e JOIN plan_on p ON p.ago = 0 AND p.account_id = e.account_id
    JOIN higher h ON h.plan_id = p.plan_id AND h.feature = e.feature
    WHERE kind = 'blocked' AND "at"::DATE <= $D AND "at"::DATE > $D - 14
    GROUP BY e.account_id, e.feature
    HAVING count(*) >= 3 AND count(DISTINCT "at"::DATE) >= 2
)
GROUP BY account_id

-- premium_preview: previewed_features >= 2
SELECT e.account_id, count(DISTINCT e.feature) AS previewed_features
FROM events e JOIN plan_on p ON p.ago = 0 AND p.account_id = e.account_id
JOIN higher h ON h.plan_id = p.plan_id AND h.feature = e.feature
WHERE kind = 'previewed' AND "at"::DATE <= $D AND "at"::DATE > $D - 30
GROUP BY e.account_id

-- repeated_workaround: worked_around_features >= 1
SELECT account_id, count(*) AS worked_around_features
FROM (
    SELECT account_id, feature, sum(n) AS n
    FROM (
        SELECT account_id, feature, count(*) AS n FROM events
        WHERE kind = 'workaround' AND feature IS NOT NULL AND "at"::DATE <= $D AND "at"::DATE > $D - 30
        GROUP BY account_id, feature
        UNION ALL
        SELECT account_id, feature, count(DISTINCT ticket_id) FROM asks
        WHERE ticket_class = 'workaround' AND feature IS NOT NULL AND opened_on <= $D AND opened_on > $D - 30
        GROUP BY account_id, feature
    )
    GROUP BY account_id, feature
)
WHERE n >= 3
GROUP BY account_id

-- support_time_up: support_growth >= 1.3 and support_before >= 60 and plan_days >= 59
WITH minutes AS (
    SELECT account_id,
        round(coalesce(sum(minutes) FILTER (opened_at::DATE > $D - 30), 0), 9) AS now,
        round(coalesce(sum(minutes) FILTER (opened_at::DATE <= $D - 30), 0), 9) AS before
    FROM tickets WHERE opened_at::DATE <= $D AND opened_at::DATE > $D - 60
    GROUP BY account_id
), periods AS (
    SELECT account_id, starts_on, plan_id <> lag(plan_id) OVER (
        PARTITION BY account_id, coalesce(product, 'main') ORDER BY starts_on, subscription_id
    ) AS changed
    FROM subscriptions LEFT JOIN plans USING (plan_id) WHERE starts_on <= $D
), since AS (
    SELECT account_id, $D - coalesce(max(starts_on) FILTER (changed), min(starts_on)) AS plan_days
    FROM periods GROUP BY account_id
)
SELECT account_id, round(now / nullif(before, 0), 9) AS support_growth, before AS support_before, plan_days
FROM minutes JOIN since USING (account_id)

-- out_of_scope_asks: scope_tickets >= 2
SELECT account_id, count(DISTINCT ticket_id) AS scope_tickets
FROM asks WHERE ticket_class = 'out_of_scope' AND opened_on <= $D AND opened_on > $D - 30
GROUP BY account_id

-- hard_deadline: days_to_deadline >= 1
SELECT account_id, min(deadline_on - $D) AS days_to_deadline
FROM asks WHERE ticket_class = 'deadline' AND deadline_on > $D AND opened_on <= $D AND opened_on > $D - 30
GROUP BY account_id

-- faster_turnaround: faster_tickets >= 1
SELECT account_id, count(DISTINCT ticket_id) AS faster_tickets
FROM asks WHERE ticket_class = 'faster' AND opened_on <= $D AND opened_on > $D - 30
GROUP BY account_id

-- budget_language: budget_tickets >= 1
SELECT account_id, count(DISTINCT ticket_id) AS budget_tickets
FROM asks WHERE ticket_class = 'budget' AND opened_on <= $D AND opened_on > $D - 30
GROUP BY account_id

-- renewal_window: days_to_renewal >= 60 and days_to_renewal <= 90 and cancelling < 1
SELECT account_id, renews_on - $D AS days_to_renewal, coalesce(cancelling, 0) AS cancelling
FROM plan_on
LEFT JOIN (
    SELECT account_id, count(*) AS cancelling FROM subscriptions
    WHERE starts_on <= $D AND (ends_on IS NULL OR ends_on > $D) AND cancel_on IS NOT NULL
    GROUP BY account_id
) USING (account_id)
WHERE ago = 0 AND renews_on IS NOT NULL

-- product_page_visits: viewed_products >= 1 and core_share >= 0.5
WITH others AS (
    SELECT account_id, product AS other
    FROM (SELECT account_id, product AS mine FROM plan_on WHERE ago = 0), (SELECT DISTINCT product FROM plans WHERE sold)
    WHERE product <> mine
    EXCEPT
    SELECT account_id, coalesce(product, 'main') FROM subscriptions LEFT JOIN plans USING (plan_id)
    WHERE starts_on <= $D AND (ends_on IS NULL OR ends_on > $D)
), viewed AS (
    SELECT e.account_id, e.product
    FROM events e JOIN others o ON o.account_id = e.account_id AND o.other = e.product
    WHERE kind = 'viewed' AND "at"::DATE <= $D AND "at"::DATE > $D - 30
    GROUP BY e.account_id, e.product HAVING count(*) >= 3
), readings AS (
    SELECT account_id, metric,
        CASE kind WHEN 'gauge' THEN arg_max(value, day) FILTER (day > $D - 7) ELSE sum(value) FILTER (day > $D - period) END AS now
    FROM measures JOIN core USING (metric)
    WHERE core AND day <= $D AND day > $D - 30
    GROUP BY account_id, metric, kind
)
SELECT v.account_id, count(DISTINCT v.product) AS viewed_products, max(round(now / ceiling, 9)) AS core_share
FROM viewed v JOIN readings r ON r.account_id = v.account_id
JOIN ceiling_on c ON c.ago = 0 AND c.account_id = r.account_id AND c.metric = r.metric
GROUP BY v.account_id

-- product_use_case_ask: asked_products >= 1
WITH others AS (
    SELECT account_id, product AS other
    FROM (SELECT account_id, product AS mine FROM plan_on WHERE ago = 0), (SELECT DISTINCT product FROM plans WHERE sold)
    WHERE product <> mine
    EXCEPT
    SELECT account_id, coalesce(product, 'main') FROM subscriptions LEFT JOIN plans USING (plan_id)
    WHERE starts_on <= $D AND (ends_on IS NULL OR ends_on > $D)
)
SELECT a.account_id, count(DISTINCT a.product) AS asked_products
FROM asks a JOIN others o ON o.account_id = a.account_id AND o.other = a.product
WHERE ticket_class = 'use_case' AND opened_on <= $D AND opened_on > $D - 30
GROUP BY a.account_id
