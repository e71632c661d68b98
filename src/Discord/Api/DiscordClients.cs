using System.Collections.Concurrent;
using System.Net;
using CozeCluster.Upstreams.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// One REST client for each account and listener, as it holds what was learnt of the token's limits: a changed definition gets a new one, unless only the seal of its secrets changed.
/// Connections and the guard against bans are shared by all that use the same proxy. Thread-safe.
/// </summary>
internal sealed class DiscordClients(ISecretSeal seal, TimeProvider time, ILogger logger) : IDisposable
{
    private readonly ConcurrentDictionary<string, DiscordClient> _clients = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Address> _addresses = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    /// <summary>The client of an account.</summary>
    /// <exception cref="ClusterException">Its credential, address, proxy or options cannot be used.</exception>
    public DiscordClient Of(AccountDefinition account)
    {
        var token = account.Token ?? throw new ClusterException(ErrorCode.UpstreamUnauthorized, $"The Discord account '{account.Id}' has no token.");
        var key = new ClientKey(account.BaseUrl, token, account.Proxy, string.Join('\n', account.Options.OrderBy(option => option.Key, StringComparer.Ordinal)));
        return Of($"account '{account.Id}'", key, plain =>
        {
            var options = DiscordAccountOptions.Of(account);
            var made = new DiscordRestOptions(account.Id, plain, options.Kind == DiscordAccountKind.User ? DiscordTokenKind.User : DiscordTokenKind.Bot) { BaseUrl = BaseUrlOf(account.BaseUrl) };
            return options.UserAgent is { } agent ? made with { UserAgent = agent } : made;
        });
    }

    /// <summary>The client of a listener.</summary>
    /// <exception cref="ClusterException">Its credential, address or proxy cannot be used.</exception>
    public DiscordClient Of(ListenerDefinition listener) => Of(
        $"listener '{listener.Id}'",
        new ClientKey(listener.BaseUrl, listener.Token, listener.Proxy, ""),
        plain => new DiscordRestOptions(listener.Id, plain, DiscordTokenKind.Bot) { BaseUrl = BaseUrlOf(listener.BaseUrl) });

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var client in _clients.Values) client.Rest.Dispose();
        foreach (var address in _addresses.Values) address.Http.Dispose();
    }

    private DiscordClient Of(string whose, ClientKey key, Func<string, DiscordRestOptions> options)
    {
        if (_clients.TryGetValue(whose, out var known) && known.Key == key) return known;
        lock (_gate)
        {
            if (_clients.TryGetValue(whose, out known) && known.Key == key) return known;
            var proxy = key.Proxy is null ? "" : seal.Open(key.Proxy);
            var made = options(seal.Open(key.Token));
            // What is under way on the old one goes on; it holds nothing that would have to be released at once.
            return _clients[whose] = known is not null && known.Rest.Options == made && known.ProxyText == proxy ? known with { Key = key } : New(key, whose, made, proxy);
        }
    }

    private DiscordClient New(ClientKey key, string whose, DiscordRestOptions options, string proxy)
    {
        var address = _addresses.GetOrAdd(proxy, text =>
        {
            var web = text.Length == 0 ? null : UpstreamHandlers.ReadProxy(text, whose);
            return new Address(new HttpMessageInvoker(UpstreamHandlers.New(web)), new InvalidRequestGuard(time), web);
        });
        var rest = new DiscordRest(address.Http, options, address.Guard, time, logger);
        return new DiscordClient(key, proxy, rest, address.Proxy, new IdentifyTurns(time));
    }

    private static string BaseUrlOf(string declared) => declared.Length == 0 ? DiscordRestOptions.DefaultBaseUrl : declared;

    private sealed record Address(HttpMessageInvoker Http, InvalidRequestGuard Guard, WebProxy? Proxy);
}

/// <summary>What makes a client another one. Secrets are compared by their seals.</summary>
internal sealed record ClientKey(string BaseUrl, Secret Token, Secret? Proxy, string Options);

/// <summary>How one token is used.</summary>
/// <param name="Key">What it was made of.</param>
/// <param name="ProxyText">A secret.</param>
/// <param name="Rest">The REST API.</param>
/// <param name="Proxy">For the gateway.</param>
/// <param name="Turns">Whose turn it is to identify.</param>
internal sealed record DiscordClient(ClientKey Key, string ProxyText, DiscordRest Rest, WebProxy? Proxy, IdentifyTurns Turns)
{
    /// <summary>Never the secrets.</summary>
    public override string ToString() => Rest.Options.ToString();
}
