using CozeCluster.Gateway.Compat;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>What the options of an endpoint say about requests to one provider that are passed through.</summary>
/// <param name="Upstream">The provider.</param>
/// <param name="Accounts">The accounts whose credentials may be used; empty: none.</param>
/// <param name="OwnKeys">Whether a key that the fleet does not know is the client's own key of the provider, and is sent there.</param>
/// <param name="Tenants">The tenants whose requests are passed through.</param>
internal sealed record PassThroughRules(string Upstream, IReadOnlyList<string> Accounts, bool OwnKeys, IReadOnlyList<string> Tenants)
{
    public bool IsEnabled => Accounts.Count > 0 || OwnKeys;

    public static PassThroughRules Of(HttpContext context, string upstream) => Of(CompatRequest.Of(context), upstream);

    public static PassThroughRules Of(CompatRequest? request, string upstream)
    {
        var options = request?.Endpoint?.Options;
        return new PassThroughRules(
            upstream, List($"{upstream}_account"), options?.GetValueOrDefault("own_keys") == "true",
            options?.ContainsKey("tenants") == true ? List("tenants") : request?.Endpoint?.Anonymous is { } anonymous ? [anonymous] : []);

        IReadOnlyList<string> List(string option) =>
            options?.GetValueOrDefault(option)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
    }

    /// <summary>Checks that the requests of a tenant are passed through.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotImplemented"/>: nobody's are. <see cref="ErrorCode.PermissionDenied"/>: those of this tenant are not.
    /// </exception>
    public void Check(string tenantId)
    {
        if (!IsEnabled)
        {
            throw new ClusterException(
                ErrorCode.NotImplemented,
                $"This endpoint passes no requests to {Upstream}: its option '{Upstream}_account' in the fleet file names no account.");
        }
        if (!Tenants.Contains(tenantId))
            throw new ClusterException(ErrorCode.PermissionDenied, "This endpoint passes requests to providers through, but not those of your tenant.");
    }

    /// <summary>The accounts in the order in which they are tried.</summary>
    /// <param name="given">The client's choice in <c>x-auth-id</c>; empty: none. An id may be given without the provider's name before it.</param>
    /// <param name="turn">A number that differs from request to request, so that all accounts are used.</param>
    /// <exception cref="ClusterException">There is no such account, or no account at all.</exception>
    public IReadOnlyList<string> Choose(string given, int turn)
    {
        if (Accounts.Count == 0)
        {
            throw new ClusterException(
                ErrorCode.NotImplemented,
                $"This endpoint passes only requests with their own key to {Upstream}: its option '{Upstream}_account' in the fleet file names no account.");
        }
        if (given.Length > 0)
        {
            var chosen = Accounts.FirstOrDefault(account => account == given || account == $"{Upstream}-{given}");
            return chosen is not null
                ? [chosen]
                : throw new ClusterException(ErrorCode.InvalidRequest, "This endpoint has no account with the id in 'x-auth-id'.", "x-auth-id");
        }
        var first = (int)((uint)turn % (uint)Accounts.Count);
        return [.. Accounts.Skip(first), .. Accounts.Take(first)];
    }

    /// <summary>The id of an account as clients know it.</summary>
    public string PublicIdOf(string account) => account.StartsWith($"{Upstream}-", StringComparison.Ordinal) ? account[(Upstream.Length + 1)..] : account;
}
