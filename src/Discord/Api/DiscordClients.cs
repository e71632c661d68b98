using System.Collections.Concurrent;
using System.Net;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// The REST clients of accounts and listeners. There is one for each, because it remembers the token's rate limits. A changed definition gets a new client,
/// except if its secrets are the same and were only encrypted again. Clients with the same proxy share connections and the guard against bans. Thread-safe.
/// </summary>
internal sealed class DiscordClients(ISecretSeal seal, TimeProvider time, ILogger logger) : IDisposable
{
    private readonly NotingSeal _seal = new(seal);
    private readonly ConcurrentDictionary<string, DiscordClient> _clients = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Address> _addresses = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    /// <summary>Overrides <see cref="DiscordRestOptions.MaxRetries"/> of all clients; null: its default.</summary>
    public int? MaxRetries { get; init; }

    /// <summary>The client of an account.</summary>
    /// <exception cref="ClusterException">The account's token, address, proxy or options are not valid.</exception>
    public DiscordClient Of(AccountDefinition account)
    {
        var sealedToken = account.Token ?? throw new ClusterException(ErrorCode.UpstreamUnauthorized, $"The Discord account '{account.Id}' has no token.");
        var settings = string.Join('\n', account.Options.OrderBy(option => option.Key, StringComparer.Ordinal));
        var key = new ClientKey(account.BaseUrl, sealedToken, account.Proxy, settings);
        return Of($"account '{account.Id}'", key, token =>
        {
            var options = DiscordAccountOptions.Of(account);
            var kind = options.Kind == DiscordAccountKind.User ? DiscordTokenKind.User : DiscordTokenKind.Bot;
            var rest = new DiscordRestOptions(account.Id, token, kind) { BaseUrl = BaseUrlOf(account.BaseUrl) };
            return options.UserAgent is { } agent ? rest with { UserAgent = agent } : rest;
        });
    }

    /// <summary>The client of a listener.</summary>
    /// <exception cref="ClusterException">The listener's token, address or proxy is not valid.</exception>
    public DiscordClient Of(ListenerDefinition listener) => Of(
        $"listener '{listener.Id}'",
        new ClientKey(listener.BaseUrl, listener.Token, listener.Proxy, ""),
        token => new DiscordRestOptions(listener.Id, token, DiscordTokenKind.Bot) { BaseUrl = BaseUrlOf(listener.BaseUrl) });

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var client in _clients.Values) client.Rest.Dispose();
        foreach (var address in _addresses.Values) address.Http.Dispose();
    }

    private DiscordClient Of(string owner, ClientKey key, Func<string, DiscordRestOptions> optionsOf)
    {
        if (_clients.TryGetValue(owner, out var known) && known.Key == key) return known;
        lock (_gate)
        {
            if (_clients.TryGetValue(owner, out known) && known.Key == key) return known;
            var proxy = key.Proxy is null ? "" : _seal.Open(key.Proxy);
            var options = optionsOf(_seal.Open(key.Token));
            if (MaxRetries is { } retries) options = options with { MaxRetries = retries };
            var isSame = known is not null && known.Rest.Options == options && known.ProxyText == proxy;
            // A replaced client is not disposed: requests may still use it, and it holds nothing that has to be released.
            return _clients[owner] = isSame ? known! with { Key = key } : Create(key, owner, options, proxy);
        }
    }

    private DiscordClient Create(ClientKey key, string owner, DiscordRestOptions options, string proxy)
    {
        var address = _addresses.GetOrAdd(proxy, text =>
        {
            var web = text.Length == 0 ? null : UpstreamHandlers.ReadProxy(text, owner);
            return new Address(new HttpMessageInvoker(new UpstreamSpans(UpstreamHandlers.New(web))), new InvalidRequestGuard(time), web);
        });
        var rest = new DiscordRest(address.Http, options, address.Guard, time, logger);
        return new DiscordClient(key, proxy, rest, address.Proxy, new IdentifyPacing(time));
    }

    private static string BaseUrlOf(string declared) => declared.Length == 0 ? DiscordRestOptions.DefaultBaseUrl : declared;

    private sealed record Address(HttpMessageInvoker Http, InvalidRequestGuard Guard, WebProxy? Proxy);
}

/// <summary>The settings of a client: if they change, a new client is needed. Secrets are compared by their seals.</summary>
internal sealed record ClientKey(string BaseUrl, Secret Token, Secret? Proxy, string Options);

/// <summary>How one token is used.</summary>
/// <param name="Key">The settings.</param>
/// <param name="ProxyText">The proxy's address, a secret.</param>
/// <param name="Rest">The REST API.</param>
/// <param name="Proxy">The proxy of connections to Discord's gateway.</param>
/// <param name="IdentifyPacing">Spaces the identifies of the bot's shards.</param>
internal sealed record DiscordClient(ClientKey Key, string ProxyText, DiscordRest Rest, WebProxy? Proxy, IdentifyPacing IdentifyPacing)
{
    /// <summary>Does not contain the secrets.</summary>
    public override string ToString() => Rest.Options.ToString();
}
