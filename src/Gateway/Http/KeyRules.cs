using System.Net;

namespace CozeCluster.Gateway.Http;

/// <summary>Checks what the fleet demands of a valid key: that it is enabled and has not expired, and that it comes from an allowed address.</summary>
internal static class KeyRules
{
    /// <param name="key">The key.</param>
    /// <param name="address">The address that sent the request; null if it is not known.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidApiKey"/>: the key is disabled or has expired. <see cref="ErrorCode.PermissionDenied"/>: it may not come from this address.
    /// </exception>
    public static void Require(ApiKeyInfo key, IPAddress? address, DateTimeOffset now)
    {
        if (key.FindProblem(now) is { } problem) throw problem.ToException();
        if (key.IpRanges.Count > 0 && !AddressRanges.Contain(key, key.IpRanges, address))
            throw new ClusterException(ErrorCode.PermissionDenied, "This API key is not valid for the address that this request came from.");
    }
}
