"""The names of the data sets in the UCR, UEA and TSER archives, and where the last are on Zenodo."""

from __future__ import annotations

UCR_NAMES = tuple(
    """
    ACSF1 Adiac AllGestureWiimoteX AllGestureWiimoteY AllGestureWiimoteZ ArrowHead Beef BeetleFly BirdChicken BME
    Car CBF Chinatown ChlorineConcentration CinCECGTorso Coffee Computers CricketX CricketY CricketZ Crop
    DiatomSizeReduction DistalPhalanxOutlineAgeGroup DistalPhalanxOutlineCorrect DistalPhalanxTW DodgerLoopDay
    DodgerLoopGame DodgerLoopWeekend Earthquakes ECG200 ECG5000 ECGFiveDays ElectricDevices EOGHorizontalSignal
    EOGVerticalSignal EthanolLevel FaceAll FaceFour FacesUCR FiftyWords Fish FordA FordB FreezerRegularTrain
    FreezerSmallTrain Fungi GestureMidAirD1 GestureMidAirD2 GestureMidAirD3 GesturePebbleZ1 GesturePebbleZ2 GunPoint
    GunPointAgeSpan GunPointMaleVersusFemale GunPointOldVersusYoung Ham HandOutlines Haptics Herring HouseTwenty
    InlineSkate InsectEPGRegularTrain InsectEPGSmallTrain InsectWingbeatSound ItalyPowerDemand
    LargeKitchenAppliances Lightning2 Lightning7 Mallat Meat MedicalImages MelbournePedestrian
    MiddlePhalanxOutlineAgeGroup MiddlePhalanxOutlineCorrect MiddlePhalanxTW MixedShapesRegularTrain
    MixedShapesSmallTrain MoteStrain NonInvasiveFetalECGThorax1 NonInvasiveFetalECGThorax2 OliveOil OSULeaf
    PhalangesOutlinesCorrect Phoneme PickupGestureWiimoteZ PigAirwayPressure PigArtPressure PigCVP PLAID Plane
    PowerCons ProximalPhalanxOutlineAgeGroup ProximalPhalanxOutlineCorrect ProximalPhalanxTW RefrigerationDevices
    Rock ScreenType SemgHandGenderCh2 SemgHandMovementCh2 SemgHandSubjectCh2 ShakeGestureWiimoteZ ShapeletSim
    ShapesAll SmallKitchenAppliances SmoothSubspace SonyAIBORobotSurface1 SonyAIBORobotSurface2 StarLightCurves
    Strawberry SwedishLeaf Symbols SyntheticControl ToeSegmentation1 ToeSegmentation2 Trace TwoLeadECG TwoPatterns
    UMD UWaveGestureLibraryAll UWaveGestureLibraryX UWaveGestureLibraryY UWaveGestureLibraryZ Wafer Wine
    WordSynonyms Worms WormsTwoClass Yoga
    """.split()  # noqa: SIM905
)
"""The 128 univariate sets of 2018, in the spelling of https://timeseriesclassification.com."""

UEA_NAMES = tuple(
    """
    ArticularyWordRecognition AtrialFibrillation BasicMotions CharacterTrajectories Cricket DuckDuckGeese EigenWorms
    Epilepsy ERing EthanolConcentration FaceDetection FingerMovements HandMovementDirection Handwriting Heartbeat
    InsectWingbeat JapaneseVowels Libras LSST MotorImagery NATOPS PEMS-SF PenDigits PhonemeSpectra RacketSports
    SelfRegulationSCP1 SelfRegulationSCP2 SpokenArabicDigits StandWalkJump UWaveGestureLibrary
    """.split()  # noqa: SIM905
)
"""The 30 multivariate sets of 2018."""

TSER_RECORDS = {
    "AcousticContaminationMadrid": 11235178,
    "AluminiumConcentration": 11235367,
    "AppliancesEnergy": 18484626,
    "AustraliaRainfall": 18484479,
    "BIDMC32HR": 18485047,
    "BIDMC32RR": 18485020,
    "BIDMC32SpO2": 18484650,
    "BarCrawl6min": 11235391,
    "BeijingIntAirportPM25Quality": 11235409,
    "BeijingPM10Quality": 18485104,
    "BeijingPM25Quality": 18484804,
    "BenzeneConcentration": 18484823,
    "BinanceCoinSentiment": 11235432,
    "BitcoinSentiment": 11235440,
    "BoronConcentration": 11235446,
    "CalciumConcentration": 11235454,
    "CardanoSentiment": 11235463,
    "ChilledWaterPredictor": 11235475,
    "CopperConcentration": 11235478,
    "Covid19Andalusia": 11235484,
    "Covid3Month": 18484843,
    "DailyOilGasPrices": 11235494,
    "DailyTemperatureLatitude": 11235506,
    "DhakaHourlyAirQuality": 11235519,
    "ElectricMotorTemperature": 11235562,
    "ElectricityPredictor": 11235530,
    "EthereumSentiment": 11235577,
    "FloodModeling1": 18484910,
    "FloodModeling2": 18484871,
    "FloodModeling3": 18484859,
    "GasSensorArrayAcetone": 11235589,
    "GasSensorArrayEthanol": 11235596,
    "HotwaterPredictor": 11236611,
    "HouseholdPowerConsumption1": 18484579,
    "HouseholdPowerConsumption2": 18484955,
    "IEEEPPG": 18484606,
    "IronConcentration": 11236615,
    "LPGasMonitoringHomeActivity": 11236623,
    "LiveFuelMoistureContent": 18484619,
    "MadridPM10Quality": 11236664,
    "MagnesiumConcentration": 11236668,
    "ManganeseConcentration": 11236670,
    "MethaneMonitoringHomeActivity": 11236678,
    "MetroInterstateTrafficVolume": 11236686,
    "NaturalGasPricesSentiment": 11236690,
    "NewsHeadlineSentiment": 18485036,
    "NewsTitleSentiment": 18484638,
    "OccupancyDetectionLight": 11236697,
    "PPGDalia": 18485135,
    "ParkingBirmingham": 11236708,
    "PhosphorusConcentration": 11236716,
    "PotassiumConcentration": 11236720,
    "PrecipitationAndalusia": 11236733,
    "SierraNevadaMountainsSnow": 11236739,
    "SodiumConcentration": 11236749,
    "SolarRadiationAndalusia": 11236753,
    "SteamPredictor": 11236757,
    "SulphurConcentration": 11236761,
    "TetuanEnergyConsumption": 11236765,
    "VentilatorPressure": 11236769,
    "WaveDataTension": 11236774,
    "WindTurbinePower": 11236780,
    "ZincConcentration": 11236784,
}
"""The 63 sets of the regression archive, each with the number of its record on https://zenodo.org."""
