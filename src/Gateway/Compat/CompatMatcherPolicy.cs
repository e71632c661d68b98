using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;

namespace CozeCluster.Gateway.Compat;

/// <summary>Of the routes for an address, chooses that of the request's <see cref="CompatRequest"/>; standard routes are chosen where it has none.</summary>
internal sealed class CompatMatcherPolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    /// <summary>Before the policies that report an ambiguity.</summary>
    public override int Order => 100;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => endpoints.Any(endpoint => ModeOf(endpoint) is not null);

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        var mode = CompatRequest.Of(httpContext)?.Mode ?? CompatMode.None;
        var hasOwn = false;
        for (var i = 0; i < candidates.Count; i++) hasOwn |= candidates.IsValidCandidate(i) && ModeOf(candidates[i].Endpoint) == mode;
        for (var i = 0; i < candidates.Count; i++)
        {
            if (!candidates.IsValidCandidate(i)) continue;
            var route = ModeOf(candidates[i].Endpoint);
            candidates.SetValidity(i, hasOwn ? route == mode : route is null);
        }
        return Task.CompletedTask;
    }

    private static CompatMode? ModeOf(Endpoint endpoint) => endpoint.Metadata.GetMetadata<CompatRoute>()?.Mode;
}
