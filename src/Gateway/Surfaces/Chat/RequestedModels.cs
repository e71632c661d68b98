namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>What the fleet says about the models that a tenant's requests name.</summary>
/// <param name="Default">The model of requests that name none; null: they are refused.</param>
/// <param name="RulesOf">The rules of a model by the name that the client has sent. Those of an unknown model do not matter.</param>
internal sealed record RequestedModels(string? Default, Func<string, ModelRules> RulesOf)
{
    /// <param name="fleet">The fleet.</param>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="otherModel">The model of requests that name none, or one that the tenant does not have; null: the default of the tenant.</param>
    public static RequestedModels Of(IFleetView fleet, string tenantId, string? otherModel = null) => new(
        otherModel ?? fleet.FindTenant(tenantId)?.DefaultModel,
        name => (fleet.FindModel(tenantId, name) ?? (otherModel is null ? null : fleet.FindModel(tenantId, otherModel))) is { } model
            ? new ModelRules(fleet.HasLanguageModel(model), model.RefusesTools, model.RefusesResponseFormat)
            : default);
}

/// <summary>What a model does with fields that bots on Coze and Discord do not support.</summary>
/// <param name="HonoursSettings">Whether a language model is behind it, which honours them.</param>
/// <param name="RefusesTools">See <see cref="ModelDefinition.RefusesTools"/>.</param>
/// <param name="RefusesFormat">See <see cref="ModelDefinition.RefusesResponseFormat"/>.</param>
internal readonly record struct ModelRules(bool HonoursSettings, bool RefusesTools, bool RefusesFormat);
