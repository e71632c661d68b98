namespace CozeCluster.Silo.Fleets.Documents;

/// <summary>A stored fleet in the form in which fleet files are checked. Paths have ids in the place of positions: <c>bots[helper].accounts[0]</c>.</summary>
internal static class DeclaredFleet
{
    public static Declared Of(Fleet fleet, FleetReadContext context)
    {
        return new Declared(
            [.. fleet.Tenants.Select(Tenant)],
            [.. fleet.Listeners.Select(Listener)],
            [.. fleet.Accounts.Select(Account)],
            [.. fleet.Bots.Select(Bot)],
            [.. fleet.Models.Select(Model)])
        {
            Endpoints = [.. fleet.Endpoints.Select(Endpoint)],
            // They were accepted when they were read.
            AllowUserAccounts = At("true", "allow_user_accounts"),
            AllowWeakKeys = At("true", "allow_weak_keys"),
        };

        FleetField At(string text, string path) => new(context, new YamlScalar(0, 0, text, plain: false), path);

        List<Reference> References(IReadOnlyList<string> ids, string path) => [.. ids.Select((id, i) => new Reference(id, At(id, $"{path}[{i}]")))];

        DeclaredTenant Tenant(TenantDefinition tenant)
        {
            var path = $"tenants[{tenant.Id}]";
            var names = new DeclaredModelNames(
                [.. tenant.Aliases.Select(alias => (alias, At(alias.Model, $"{path}.aliases.{alias.Name}")))],
                tenant.DefaultModel is { } model ? new Reference(model, At(model, $"{path}.default_model")) : null);
            return new DeclaredTenant(At(tenant.Id, path), tenant, [.. tenant.Keys.Select(key => Key(key, $"{path}.keys[{key.Name}]"))], names);
        }

        DeclaredKey Key(ApiKeyDefinition key, string path) =>
            new(At(key.Name, path), new Place(0, 0, path), key, IsWeak: false, References(key.Models, $"{path}.models"));

        DeclaredListener Listener(ListenerDefinition listener)
        {
            var path = $"listeners[{listener.Id}]";
            return new DeclaredListener(At(listener.Id, path), At("", $"{path}.token"), new FleetListener(listener, Identity(listener.Token), null));
        }

        DeclaredAccount Account(AccountDefinition account)
        {
            var path = $"accounts[{account.Id}]";
            var token = account.Token is { } secret ? Identity(secret) : null;
            return new DeclaredAccount(At(account.Id, path), At("", $"{path}.token"), At("", $"{path}.options"), new FleetAccount(account, token, null, null));
        }

        DeclaredBot Bot(BotDefinition bot)
        {
            var path = $"bots[{bot.Id}]";
            var option = KnownUpstreams.Find(bot.Upstream)?.ListenerOption;
            List<Reference> listeners = option is not null && bot.Options.TryGetValue(option, out var listener)
                ? [new Reference(listener, At(listener, $"{path}.options.{option}"))]
                : [];
            return new DeclaredBot(At(bot.Id, path), bot, References(bot.Accounts, $"{path}.accounts"), listeners);
        }

        DeclaredModel Model(ModelDefinition model)
        {
            var path = $"models[{model.Id}]";
            return new DeclaredModel(
                At(model.Id, path),
                model,
                [.. References(model.Bots, $"{path}.bots"), .. References(model.Fallback, $"{path}.fallback")],
                References(model.Tenants, $"{path}.tenants"));
        }

        DeclaredEndpoint Endpoint(EndpointDefinition endpoint)
        {
            var path = $"endpoints[{endpoint.Id}]";
            return new DeclaredEndpoint(
                At(endpoint.Id, path),
                At(endpoint.Anonymous ?? "", $"{path}.anonymous"),
                endpoint,
                [.. endpoint.Options.Select(option => (option.Key, At(option.Value, $"{path}.options.{option.Key}")))]);
        }
    }

    // Two seals of one secret have the same fingerprint.
    private static string Identity(Secret secret) => secret.Fingerprint ?? secret.Sealed;
}
