using System.Globalization;
using System.Text.Json.Nodes;

namespace CozeCluster.Silo.Fleets.Documents;

/// <summary>Writes things of the fleet as fleet files have them. What has its default is left out.</summary>
/// <param name="text">Writes a text.</param>
/// <param name="secret">Writes a secret.</param>
/// <param name="hash">Writes the hash of an API key.</param>
internal sealed class FleetWriter(Func<string, string> text, Func<Secret, string> secret, Func<string, string> hash)
{
    /// <summary>Writes a whole fleet.</summary>
    public JsonObject Write(Fleet fleet)
    {
        var file = new JsonObject();
        // These are settings of a file, and what was accepted once is accepted again.
        if (fleet.Accounts.Any(DiscordSection.IsUserAccount)) file["allow_user_accounts"] = true;
        if (fleet.Endpoints.Any(endpoint => endpoint.Anonymous is not null)) file["allow_weak_keys"] = true;
        foreach (var (name, value) in Settings(fleet)) file[name] = value?.DeepClone();
        Add(file, "tenants", fleet.Tenants.Select(tenant => Tenant(tenant, withKeys: true)));
        Add(file, "listeners", fleet.Listeners.Select(Listener));
        Add(file, "accounts", fleet.Accounts.Select(Account));
        Add(file, "bots", fleet.Bots.Select(Bot));
        Add(file, "models", fleet.Models.Select(Model));
        return file;
    }

    /// <summary>Writes what belongs to no single thing.</summary>
    public JsonObject Settings(Fleet fleet)
    {
        var settings = new JsonObject();
        if (fleet.Notifications is { } notifications) settings["notifications"] = Notifications(notifications);
        Add(settings, "endpoints", fleet.Endpoints.Select(Endpoint));
        return settings;
    }

    public JsonObject Tenant(TenantDefinition tenant, bool withKeys)
    {
        var json = new JsonObject { ["id"] = tenant.Id };
        if (withKeys) Add(json, "keys", tenant.Keys.Select(Key));
        Add(json, "max_concurrent_turns", tenant.MaxConcurrentTurns);
        if (!tenant.StoreConversations) json["store_conversations"] = false;
        if (tenant.TelemetryContent) json["telemetry_content"] = true;
        Add(json, "default_model", tenant.DefaultModel);
        if (tenant.Aliases.Count > 0) json["aliases"] = Map(tenant.Aliases.Select(alias => (alias.Name, alias.Model)));
        if (tenant.Limits is { } limits) json["limits"] = Limits(limits);
        if (tenant.Prepaid) json["prepaid"] = true;
        return json;
    }

    public JsonObject Key(ApiKeyDefinition key)
    {
        var json = new JsonObject { ["name"] = text(key.Name), ["hash"] = hash(key.Hash) };
        Add(json, "hint", key.Hint);
        if (key.Previous is { } previous) json["previous"] = new JsonObject { ["hash"] = hash(previous.Hash), ["until"] = Time(previous.Until) };
        if (key.Admin) json["role"] = WireName.Of(key.Role ?? AdminRole.Owner);
        if (key.ErrorText) json["error_text"] = true;
        if (key.ShowBot) json["show_bot"] = true;
        if (key.Compat != CompatMode.None) json["compat"] = EndpointSection.NameOf(key.Compat);
        Add(json, "models", key.Models);
        Add(json, "ip", key.IpRanges);
        if (key.ExpiresAt is { } expires) json["expires"] = Time(expires);
        if (key.Disabled) json["disabled"] = true;
        if (key.Limits is { } limits) json["limits"] = Limits(limits);
        return json;
    }

    public JsonObject Account(AccountDefinition account)
    {
        var json = new JsonObject { ["id"] = account.Id, ["upstream"] = account.Upstream, ["base_url"] = text(account.BaseUrl) };
        if (account.CredentialFromRequest) json["credentials"] = "request";
        Add(json, "token", account.Token);
        if (account.OAuth is { } oauth)
        {
            var written = new JsonObject
            {
                ["app_id"] = text(oauth.AppId), ["key_id"] = text(oauth.KeyId), ["private_key"] = secret(oauth.PrivateKey),
            };
            Add(written, "enterprise_account_id", oauth.EnterpriseAccountId);
            json["oauth"] = written;
        }
        Add(json, "proxy", account.Proxy);
        Add(json, "max_concurrent_turns", account.MaxConcurrentTurns);
        if (account.Limits is { } limits) json["limits"] = Limits(limits);
        if (account.Options.Count > 0) json["options"] = Options(account.Options);
        return json;
    }

    public JsonObject Listener(ListenerDefinition listener)
    {
        var json = new JsonObject
        {
            ["id"] = listener.Id, ["token"] = secret(listener.Token), ["guild_id"] = listener.GuildId, ["base_url"] = text(listener.BaseUrl),
        };
        Add(json, "gateway_url", listener.GatewayUrl);
        if (listener.Shards != 1) json["shards"] = listener.Shards;
        Add(json, "proxy", listener.Proxy);
        return json;
    }

    public JsonObject Bot(BotDefinition bot)
    {
        var json = new JsonObject { ["id"] = bot.Id, ["upstream"] = bot.Upstream, ["bot_id"] = text(bot.UpstreamBotId) };
        Add(json, "accounts", bot.Accounts);
        Add(json, "max_concurrent_turns", bot.MaxConcurrentTurns);
        if (bot.Limits is { } limits) json["limits"] = Limits(limits);
        if (bot.Timeouts != TurnTimeouts.Default) json["timeouts"] = Timeouts(bot.Timeouts);
        if (bot.Task != ModelTask.Chat) json["task"] = WireName.Of(bot.Task);
        if (bot.Options.Count > 0) json["options"] = Options(bot.Options);
        if (bot.KeepActive is { } keepActive) json["keep_active"] = KeepActive(keepActive);
        return json;
    }

    public JsonObject Model(ModelDefinition model)
    {
        var json = new JsonObject { ["id"] = text(model.Id) };
        if (model.Routing != RoutingStrategy.RoundRobin) json["routing"] = WireName.Of(model.Routing);
        json["bots"] = new JsonArray([.. model.Bots.Select(bot => BotOf(model, bot))]);
        Add(json, "fallback", model.Fallback);
        Add(json, "tenants", model.Tenants);
        if (model.Hidden) json["hidden"] = true;
        if (model.RefusesTools) json["tools"] = "refuse";
        if (model.RefusesResponseFormat) json["response_format"] = "refuse";
        if (model.Price is { } price) json["price"] = Price(price);
        return json;
    }

    private JsonNode? BotOf(ModelDefinition model, string bot)
    {
        if (model.Shares?.FirstOrDefault(share => share.BotId == bot) is not { } share) return text(bot);
        var json = new JsonObject { ["id"] = text(bot) };
        if (share.Weight != 1) json["weight"] = share.Weight;
        if (share.Priority != 1) json["priority"] = share.Priority;
        return json;
    }

    private JsonObject Endpoint(EndpointDefinition endpoint)
    {
        var json = new JsonObject { ["id"] = endpoint.Id };
        Add(json, "port", endpoint.Port);
        Add(json, "host", endpoint.Host);
        Add(json, "path", endpoint.Path);
        if (endpoint.Compat != CompatMode.None) json["compat"] = EndpointSection.NameOf(endpoint.Compat);
        Add(json, "anonymous", endpoint.Anonymous);
        Add(json, "requests_per_minute", endpoint.RequestsPerMinute);
        Add(json, "networks", endpoint.Networks);
        if (endpoint.Options.Count > 0) json["options"] = Options(endpoint.Options);
        return json;
    }

    private JsonObject Notifications(NotificationsDefinition notifications)
    {
        var json = new JsonObject();
        if (notifications.Webhook is { } webhook)
        {
            var written = new JsonObject { ["url"] = secret(webhook.Url) };
            Add(written, "secret", webhook.Secret);
            json["webhook"] = written;
        }
        if (notifications.Telegram is { } telegram)
        {
            json["telegram"] = new JsonObject
            {
                ["token"] = secret(telegram.Token), ["chat_id"] = text(telegram.ChatId), ["base_url"] = text(telegram.BaseUrl),
            };
        }
        return json;
    }

    private static JsonObject Limits(LimitsDefinition limits)
    {
        var json = new JsonObject();
        Add(json, "requests_per_minute", limits.RequestsPerMinute);
        Add(json, "tokens_per_minute", limits.TokensPerMinute);
        Add(json, "max_concurrent_turns", limits.MaxConcurrentTurns);
        if (limits.Daily is { } daily) json["daily"] = Budget(daily);
        if (limits.Monthly is { } monthly) json["monthly"] = Budget(monthly);
        return json;
    }

    private static JsonObject Budget(BudgetDefinition budget)
    {
        var json = new JsonObject();
        Add(json, "requests", budget.Requests);
        Add(json, "tokens", budget.Tokens);
        Add(json, "credits", budget.Credits);
        return json;
    }

    private static JsonObject Price(PriceDefinition price)
    {
        var json = new JsonObject { ["input"] = price.Input, ["output"] = price.Output };
        Add(json, "cached_input", price.CachedInput);
        if (price.Request != 0) json["request"] = price.Request;
        return json;
    }

    private static JsonObject Timeouts(TurnTimeouts timeouts)
    {
        var (json, standard) = (new JsonObject { ["total"] = Durations.Format(timeouts.Total) }, TurnTimeouts.Default);
        // An inherited timeout may be longer than the total, where it has no effect. A written one may not.
        if (timeouts.FirstByte != standard.FirstByte) json["first_byte"] = Durations.Format(Min(timeouts.FirstByte, timeouts.Total));
        if (timeouts.Idle != standard.Idle) json["idle"] = Durations.Format(Min(timeouts.Idle, timeouts.Total));
        return json;
    }

    private JsonObject KeepActive(KeepActiveDefinition keepActive)
    {
        var json = new JsonObject();
        if (keepActive.Every is { } every) json["every"] = Durations.Format(every);
        if (keepActive.At is { } at) json["at"] = at.ToString(@"hh\:mm", CultureInfo.InvariantCulture);
        Add(json, "time_zone", keepActive.TimeZone);
        json["text"] = text(keepActive.Text);
        return json;
    }

    private JsonObject Options(IEnumerable<KeyValuePair<string, string>> options) => Map(options.Select(option => (option.Key, option.Value)));

    private JsonObject Map(IEnumerable<(string Name, string Value)> entries) =>
        new(entries.Select(entry => KeyValuePair.Create(entry.Name, (JsonNode?)text(entry.Value))));

    private void Add(JsonObject json, string name, string? value)
    {
        if (value is not null) json[name] = text(value);
    }

    private void Add(JsonObject json, string name, Secret? value)
    {
        if (value is not null) json[name] = secret(value);
    }

    private void Add(JsonObject json, string name, IReadOnlyList<string> values)
    {
        if (values.Count > 0) json[name] = new JsonArray([.. values.Select(value => (JsonNode?)text(value))]);
    }

    private static void Add(JsonObject json, string name, IEnumerable<JsonObject> values)
    {
        var written = new JsonArray([.. values]);
        if (written.Count > 0) json[name] = written;
    }

    private static void Add(JsonObject json, string name, long? value)
    {
        if (value is { } number) json[name] = number;
    }

    private static void Add(JsonObject json, string name, decimal? value)
    {
        if (value is { } number) json[name] = number;
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture);

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
