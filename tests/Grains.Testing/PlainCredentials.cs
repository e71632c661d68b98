namespace CozeCluster.Grains.Testing;

/// <summary>Credentials of requests as upstreams of tests receive them: the token is the credential itself. It counts the uses that have not ended.</summary>
public sealed class PlainCredentials : IRequestCredentials
{
    private int _inUse;

    /// <summary>How many exchanges use a credential now.</summary>
    public int InUse => Volatile.Read(ref _inUse);

    public CredentialUse Use(RequestCredential credential)
    {
        Interlocked.Increment(ref _inUse);
        return new CredentialUse(new Secret(credential.Value!), () => Interlocked.Decrement(ref _inUse));
    }
}

/// <summary>A filter that knows one secret.</summary>
public sealed class PlainSecrets : ISecretFilter
{
    /// <summary>The secret.</summary>
    public const string Secret = "secret-4711";

    public string Remove(string text) => text.Replace(Secret, "(token)", StringComparison.Ordinal);
}
