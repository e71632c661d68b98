using System.Net;

namespace CozeCluster.Silo.Hosting;

/// <summary>An address to listen on.</summary>
/// <param name="Url">As written.</param>
/// <param name="Address">The address; null: all of this machine.</param>
/// <param name="Port">0: any free one.</param>
/// <param name="Https">Whether it speaks TLS.</param>
internal sealed record ListenAddress(string Url, IPAddress? Address, int Port, bool Https)
{
    /// <summary>Whether only this machine reaches it.</summary>
    public bool IsLoopback => Address is not null && IPAddress.IsLoopback(Address);

    /// <summary>Reads <c>http://127.0.0.1:7077</c>, <c>https://*:7443</c>, <c>http://localhost:7077</c> or <c>http://[::1]:7077</c>.</summary>
    /// <returns>Null if it is not of that form.</returns>
    public static ListenAddress? Parse(string url)
    {
        BindingAddress binding;
        try
        {
            binding = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            return null;
        }
        if (binding.Scheme is not ("http" or "https") || binding.IsUnixPipe || binding.IsNamedPipe || binding.PathBase.Length > 0 || binding.Port is < 0 or > 65535) return null;
        var https = binding.Scheme == "https";
        return binding.Host.ToLowerInvariant() switch
        {
            "*" or "+" => new(url, null, binding.Port, https),
            "localhost" => new(url, IPAddress.Loopback, binding.Port, https),
            var host => IPAddress.TryParse(host, out var address) ? new(url, address, binding.Port, https) : null,
        };
    }
}
