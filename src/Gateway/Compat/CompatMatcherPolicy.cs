using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;

namespace CozeCluster.Gateway.Compat;

/// <summary>
/// Of the routes for an address, chooses that of the request's <see cref="CompatRequest"/>; standard routes are chosen where it has none. Routes of other modes
/// do not exist for a request: each mode has its own part of the matcher, before methods are compared, so that a method that no route of the mode has gets 405.
/// </summary>
internal sealed class CompatMatcherPolicy : MatcherPolicy, INodeBuilderPolicy, IEndpointSelectorPolicy
{
    private static readonly CompatMode[] Modes = Enum.GetValues<CompatMode>();

    /// <summary>Before the policy of HTTP methods, whose order is -1000.</summary>
    public override int Order => -2000;

    bool INodeBuilderPolicy.AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => HasCompatRoute(endpoints);

    bool IEndpointSelectorPolicy.AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => HasCompatRoute(endpoints);

    public IReadOnlyList<PolicyNodeEdge> GetEdges(IReadOnlyList<Endpoint> endpoints) =>
    [
        .. from mode in Modes
           let ofMode = endpoints.Where(endpoint => RouteOf(endpoint) is not { } route || route.Mode == mode).ToList()
           where ofMode.Count > 0
           select new PolicyNodeEdge(mode, ofMode),
    ];

    public PolicyJumpTable BuildJumpTable(int exitDestination, IReadOnlyList<PolicyJumpTableEdge> edges) =>
        new ModeTable(exitDestination, edges.ToDictionary(edge => (CompatMode)edge.State, edge => edge.Destination));

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        var request = CompatRequest.Of(httpContext);
        var (hasOwn, hasStandard) = (false, false);
        for (var i = 0; i < candidates.Count; i++)
        {
            if (!candidates.IsValidCandidate(i)) continue;
            var route = RouteOf(candidates[i].Endpoint);
            hasOwn |= IsOwn(route);
            hasStandard |= route is null;
        }
        for (var i = 0; i < candidates.Count; i++)
        {
            if (!candidates.IsValidCandidate(i)) continue;
            var route = RouteOf(candidates[i].Endpoint);
            candidates.SetValidity(i, hasOwn ? IsOwn(route) : hasStandard ? route is null : route?.Mode == ModeOf(request));
        }
        return Task.CompletedTask;

        bool IsOwn(CompatRoute? route) => route is not null && request is not null && route.Mode == request.Mode && route.Applies(request);
    }

    private static bool HasCompatRoute(IReadOnlyList<Endpoint> endpoints) => endpoints.Any(endpoint => RouteOf(endpoint) is not null);

    private static CompatRoute? RouteOf(Endpoint endpoint) => endpoint.Metadata.GetMetadata<CompatRoute>();

    private static CompatMode ModeOf(CompatRequest? request) => request?.Mode ?? CompatMode.None;

    private sealed class ModeTable(int exit, Dictionary<CompatMode, int> destinations) : PolicyJumpTable
    {
        public override int GetDestination(HttpContext httpContext) => destinations.GetValueOrDefault(ModeOf(CompatRequest.Of(httpContext)), exit);
    }
}
