namespace CozeCluster;

/// <summary>What an admin key may do. The names and numbers are stored and sent to other processes: never change them.</summary>
[GenerateSerializer, Alias("admin-role")]
public enum AdminRole
{
    /// <summary>Reads everything except secrets, prompts, replies and the audit log.</summary>
    Viewer = 1,

    /// <summary>Also reads the audit log and changes things.</summary>
    Operator = 2,

    /// <summary>Also reads prompts and replies, exports secrets, and manages admin keys.</summary>
    Owner = 3,

    /// <summary>Reads and changes what belongs to the tenant of the key, on the routes that are open to it. It is not ordered among the others.</summary>
    TenantAdmin = 4,
}
